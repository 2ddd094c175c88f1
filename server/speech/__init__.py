"""PCM to words: voice activity, utterances, interim and final transcripts."""
