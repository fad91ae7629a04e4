module libreels/reels

go 1.19
