"""What is valid in a deployment file and still seldom meant, a kind of finding each."""
