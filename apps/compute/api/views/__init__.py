"""Views: parse, check policy, call one service, render."""
