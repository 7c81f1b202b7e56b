"""The tests: their folders mirror ``src/oddrow``; ``support`` holds what several of them share."""
