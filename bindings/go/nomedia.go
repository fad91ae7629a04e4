//go:build reels_nomedia

package reels

// #cgo CFLAGS: -DREELS_GO_NO_MEDIA
import "C"
