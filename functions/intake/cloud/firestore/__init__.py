"""Firestore: the documents that hold the state of every intake."""
