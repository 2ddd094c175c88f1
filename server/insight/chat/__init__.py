"""OpenAI's chat completions as servers really speak them: one request, its stream, and what to do when it fails."""
