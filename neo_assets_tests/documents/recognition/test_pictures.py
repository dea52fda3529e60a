"""Parts of pages as pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from neo_assets.documents.model import Box
from neo_assets.documents.recognition.pictures import part_of, picture_of, png, red_green_blue
from neo_assets_tests.documents.recognition.cases import blank_picture, inked, page_with


def test_grey_pictures_are_written_grey_and_coloured_ones_not() -> None:
    grey = inked(blank_picture(), (20, 20, 120, 30))
    coloured = grey.copy()
    coloured[50, 50] = (10, 20, 30)
    for image, channels in ((grey, 2), (coloured, 3)):
        data = png(image)
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).ndim == channels
        assert (picture_of(page_with(image=image)) == image).all()
        assert png(image) == data


def test_parts_have_a_margin_within_the_page() -> None:
    crop, box = part_of(blank_picture(), Box(10, 20, 50, 60), 2.0)
    assert (crop.shape, box) == ((84, 84, 3), Box(9, 19, 51, 61))
    crop, box = part_of(blank_picture(), Box(0, 0, 300, 400), 2.0, margin=9)
    assert (crop.shape, box) == ((800, 600, 3), Box(0, 0, 300, 400))


@pytest.mark.parametrize("scale", [2.0, 1.37])
def test_boxes_of_parts_are_those_of_their_pixels(scale: float) -> None:
    image = np.zeros((500, 500, 3), np.uint8)
    crop, box = part_of(image, Box(10.3, 20.7, 90.1, 60.2), scale)
    assert crop.shape[1] == round(box.width * scale)
    assert crop.shape[0] == round(box.height * scale)


def test_red_and_blue_change_places() -> None:
    image = np.zeros((1, 1, 3), np.uint8)
    image[0, 0] = (1, 2, 3)
    assert red_green_blue(image)[0, 0].tolist() == [3, 2, 1]
