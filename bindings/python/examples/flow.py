"""flow.py VIDEO CONFIG: a video goes in, becomes a ladder, is liked, and the like is counted."""
import sys
import time

import reels

CREATOR, VIEWER = 1001, 2002
BUSY = (reels.ReelState.UPLOADED, reels.ReelState.PROCESSING)
video, config = sys.argv[1:]  # such as clip.mp4 '{"data_path": "data"}'

with reels.Context() as context, reels.Platform(context, config) as platform:
    with platform.start(), open(video, 'rb') as file:  # the roles work in a thread
        reel_id = platform.uploads.begin(CREATOR, caption='hello')
        length = platform.uploads.write(reel_id, CREATOR, file)
        platform.uploads.set_length(reel_id, CREATOR, length)
        platform.uploads.commit(reel_id, CREATOR)
        while platform.reels.get(reel_id).state in BUSY:
            time.sleep(0.1)
    platform.settle()  # the feed has heard of it
    for item in platform.feed.page(VIEWER).items:
        platform.social.set(reels.Relation.LIKE, VIEWER, item.reel_id)
    platform.settle()
    likes = platform.counts([reel_id], [reels.Counter.LIKES])[0]
    print(platform.reels.get(reel_id).state.name, reels.id_to_text(reel_id), likes)
