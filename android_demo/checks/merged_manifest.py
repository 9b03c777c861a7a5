"""Prints an app's manifest as a build would have it: entries to be removed are gone."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree

ANDROID = "http://schemas.android.com/apk/res/android"
TOOLS = "http://schemas.android.com/tools"


def merged(path: str) -> str:
    """The manifest's text, with its package, without what ``tools:node="remove"`` marks."""
    ElementTree.register_namespace("android", ANDROID)
    root = ElementTree.parse(path).getroot()
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get(f"{{{TOOLS}}}node") == "remove":
                parent.remove(child)
    root.set("package", "org.movistream.demo")
    return ElementTree.tostring(root, encoding="unicode")


if __name__ == "__main__":
    print(merged(sys.argv[1]))
