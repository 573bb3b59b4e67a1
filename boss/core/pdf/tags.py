"""The tree of a tagged PDF: what a screen reader is told about what stands on the pages (ISO 32000, 14.7 and 14.8).

fpdf2 writes such a tree for pictures only, one level deep. Ours is the same tree with levels (tables, rows, cells) and
with kinds other than figures. It leans on three private names of fpdf2 2.8.9, which is therefore locked to the version;
``tests/core/test_pdf.py`` reads the tree back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fpdf.structure_tree import StructElem, StructureTreeBuilder
from fpdf.syntax import PDFObject


class Element(StructElem):
    """A place in the tree. ``a`` are its attributes in PDF's own notation."""

    def __init__(self, kind: str, parent: PDFObject, page: int, alt: str | None = None, a: str | None = None) -> None:
        super().__init__(f"/{kind}", parent, [], page_number=page, alt=alt)
        self.a = a


class Tree(StructureTreeBuilder):
    """Elements in the order they are read. Marks are numbered by page, from 0."""

    def __init__(self, pages: dict[int, PDFObject]) -> None:
        super().__init__()
        self._pages = pages
        self._elements: list[Element] = []
        self._marks: dict[int, int] = defaultdict(int)

    def add(
        self, kind: str, page: int, parent: Element | None = None, alt: str | None = None, a: str | None = None
    ) -> Element:
        """One more child of ``parent`` (of the document without one)."""
        above = self.doc_struct_elem if parent is None else parent
        element = Element(kind, above, page, alt, a)
        above.k.append(element)
        self._elements.append(element)
        return element

    def mark(self, element: Element, page: int) -> tuple[int, int]:
        """Content of ``element`` follows on this page: its number there, and the page's number in the tree."""
        mark, in_tree = self._marks[page], self.spid_per_page_number.setdefault(page, len(self.spid_per_page_number))
        self._marks[page] += 1
        element.k.append(mark)
        self.struct_tree_root.parent_tree.nums[in_tree].append(element)
        return mark, in_tree

    def __iter__(self) -> Iterator[PDFObject]:
        yield self.struct_tree_root
        yield self.doc_struct_elem
        yield self.struct_tree_root.parent_tree
        for element in self._elements:
            element.pg = self._pages[element.page_number() or 1]  # type: ignore[assignment]
            yield element
