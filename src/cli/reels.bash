# Completion of `reels` for bash.
_reels() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'probe transcode verify id worker doctor --help --version' -- "$word")
        return
    fi
    case $before in
    --count | --region | --node | --threads | --master | --roles) return ;;
    --state | --data | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    esac
    case ${COMP_WORDS[1]} in
    probe) options='--json --exact --in-process --help' ;;
    transcode) options='--json --force --threads --in-process --help' ;;
    verify) options='--json --no-decode --master --help' ;;
    id) options='--count --region --node --state --text --json --help' ;;
    worker) options='--data --config --roles --threads --settle --verbose --help' ;;
    doctor) options='--json --schema --help' ;;
    esac
    case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
complete -o filenames -F _reels reels
