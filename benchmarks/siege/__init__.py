"""The app under attack: malformed requests, trainers that are killed, crowds of pages, bodies that never end."""
