/* Empty on purpose: cffi knows the fixed-width integers, and cannot parse what the real header
 * holds. */
