"""What is remembered of a film: the same values as made anew, within its bytes, for any number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from drawn_lines import with_wire
from phantom_film import drawn_header, phantom

from monai_cars.edits.edit import Edit
from monai_cars.edits.film_memory import MEMORY, FilmMemory, film_key
from monai_cars.loop.counterfactual import make_counterfactual


def test_an_edit_has_the_same_bytes_with_and_without_memory():
    film, _ = with_wire(phantom(size=(384, 400)), 0.3)
    edit = Edit("insert", "consolidation", severity=0.4, seed=3)

    def edited():
        return make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film))

    MEMORY.forget()
    first = edited()
    kept = MEMORY.bytes
    again = edited()
    MEMORY.most_bytes, most = 0, MEMORY.most_bytes
    try:
        MEMORY.forget()
        without = edited()
    finally:
        MEMORY.most_bytes = most
    assert kept > 0
    assert again.record == first.record == without.record
    assert torch.equal(again.image, first.image)
    assert torch.equal(without.image, first.image)


def test_a_value_is_made_once_and_cannot_be_changed_by_who_got_it():
    memory, made = FilmMemory(), []

    def make():
        made.append(1)
        return np.zeros(4)

    memory.recall("film", make)[:] = 7
    memory.recall("film", make)[:] = 8
    assert memory.recall("film", make).tolist() == [0, 0, 0, 0]
    assert len(made) == 1


def test_the_bytes_are_bounded_and_the_least_recently_used_goes_first():
    memory, noise = FilmMemory(most_bytes=3000), np.random.default_rng(0)
    for name in "ab":
        memory.recall(name, lambda: noise.bytes(1000))
    memory.recall("a", list)
    memory.recall("c", lambda: noise.bytes(1000))
    assert memory.bytes <= 3000
    assert memory.recall("a", list)
    assert memory.recall("c", list)
    assert memory.recall("b", list) == []


def test_a_value_larger_than_all_is_not_kept():
    memory = FilmMemory(most_bytes=100)
    assert len(memory.recall("film", lambda: np.random.default_rng(0).bytes(500))) == 500
    assert memory.bytes == 0


def test_threads_keep_the_count_of_bytes_right():
    memory = FilmMemory(most_bytes=5000)

    def recall(number):
        return memory.recall(number % 17, lambda: bytes([number % 17]) * 100)[0] == number % 17

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(recall, range(2000)))
    assert 0 < memory.bytes <= 5000
    assert memory.bytes == sum(map(len, memory._kept.values()))


def test_films_that_differ_in_values_masks_or_shape_have_different_keys():
    film, masks = torch.rand(1, 8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8)
    other = masks.clone()
    other[0, 2, 2] = 1
    keys = {
        film_key(film, masks),
        film_key(film + 1, masks),
        film_key(film, other),
        film_key(film.view(1, 4, 16), masks),
    }
    assert len(keys) == 4
    assert film_key(film.clone(), masks.bool()) in keys
