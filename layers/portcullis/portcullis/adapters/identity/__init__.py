"""Who is in which group of IAM, Cognito and Identity Center, and what they still hold."""
