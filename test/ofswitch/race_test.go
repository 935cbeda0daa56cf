//go:build race

package ofswitch

// raceDetector makes some tests smaller.
const raceDetector = true
