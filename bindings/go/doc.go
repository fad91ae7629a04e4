// Package reels binds libreels, a short-video back end: IDs, transcoding, uploads, feeds and counts.
//
// What each call promises, and from which threads it may be used, stands in the headers of libreels;
// names are the same, times are time.Time and durations time.Duration. Every call that may block
// takes a context.Context, whose end ends the call. Objects are closed with Close; one that is
// forgotten is freed when the garbage collector finds it.
//
// A library that was built without media is bound with the build tag reels_nomedia.
package reels
