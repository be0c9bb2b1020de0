"""A program that makes and drops many objects: records in dictionaries, their text, a tree, JSON there and back."""

import json
import random


class Node:
    def __init__(self, key):
        self.key = key
        self.left = None
        self.right = None


def insert(root, key):
    while True:
        side = "left" if key < root.key else "right"
        child = getattr(root, side)
        if child is None:
            setattr(root, side, Node(key))
            return
        root = child


def main():
    chance = random.Random(1)
    for _ in range(4):
        records = [
            {"id": number, "name": f"name {number}", "tags": [chance.randrange(1000) for _ in range(5)]}
            for number in range(15_000)
        ]
        text = json.dumps(records)
        again = json.loads(text)
        assert len(again) == len(records)
        words = {}
        for record in again:
            words.setdefault(record["name"][-2:], []).append(record["name"].upper())
        root = Node(0.5)
        for _ in range(15_000):
            insert(root, chance.random())


main()
