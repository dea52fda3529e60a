"""The iterative recall loop: from a domain's seed to more of its kind in the whole crawl, round by round."""
