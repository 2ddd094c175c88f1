"""Words to tips, each resting on the words it cites."""
