package reels

// #cgo pkg-config: reels
import "C"
