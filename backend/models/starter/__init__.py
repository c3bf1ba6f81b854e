"""The starter: a small code model of our own that works offline on a CPU, and the script that makes it."""
