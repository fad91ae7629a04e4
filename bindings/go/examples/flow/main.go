// Command flow VIDEO CONFIG: a video goes in, becomes a ladder, is liked, and the like is counted.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"libreels/reels"
)

const creator, viewer = 1001, 2002

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	video, config := os.Args[1], os.Args[2] // such as clip.mp4 '{"data_path": "data"}'
	ctx := context.Background()
	lib, err := reels.NewCtx(reels.CtxOptions{})
	check(err)
	defer lib.Close()
	platform, err := reels.OpenPlatformJSON(lib, []byte(config))
	check(err)
	defer platform.Close()

	file, err := os.Open(video)
	check(err)
	defer file.Close()
	id, err := platform.Uploads().Begin(ctx, reels.UploadRequest{PersonID: creator, Length: reels.LengthUnknown})
	check(err)
	length, err := platform.Uploads().Write(ctx, id, creator, 0, file, nil)
	check(err)
	check(platform.Uploads().SetLength(ctx, id, creator, length))
	check(platform.Uploads().Commit(ctx, id, creator, nil))

	working, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- platform.Run(working, reels.RoleAll, 1) }() // the roles
	found, err := platform.Reels().Get(ctx, id)
	for check(err); found[0].State == reels.ReelUploaded || found[0].State == reels.ReelProcessing; check(err) {
		time.Sleep(100 * time.Millisecond)
		found, err = platform.Reels().Get(ctx, id)
	}
	stop()
	check(<-ended)
	check(platform.Settle(ctx, reels.RoleAll)) // the feed has heard of it

	items, _, err := platform.Feed(ctx, reels.FeedRequest{ViewerID: viewer})
	check(err)
	for _, item := range items {
		_, err = platform.Social().Set(ctx, reels.RelationLike, viewer, item.ReelID, true)
		check(err)
	}
	check(platform.Settle(ctx, reels.RoleAll))
	likes := make([]int64, 1)
	check(platform.Counts(ctx, []uint64{id}, []reels.Counter{reels.CounterLikes}, likes))
	fmt.Println(found[0].State, reels.IDText(id), likes[0])
}
