/* Empty on purpose: cffi knows size_t, and cannot parse what the real header holds. */
