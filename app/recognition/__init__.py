"""The library: from the bytes of a photo to a calibrated answer. No Flask, no HTTP, no session."""
