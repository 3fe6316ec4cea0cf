"""What the execution tests share: 64-bit JAX, the compiled table of ops."""

import jax
import pytest

import capi
import cases
import programs

jax.config.update("jax_enable_x64", True)


class Table:
    """The functions of the table of ops, compiled a family at a time."""

    def __init__(self):
        self.programs = {}

    def program(self, family, case, element):
        """The family's program; one of the case alone if some other case of it doesn't compile."""
        key = family, element
        if key not in self.programs:
            texts = [c.functions(element) for c in cases.FAMILIES[family] if element in c.elements]
            try:
                self.programs[key] = capi.compile("\n".join(texts))
            except capi.Error:
                self.programs[key] = None
        return self.programs[key] or self.alone(case, element)

    def alone(self, case, element):
        key = case.name, element
        if key not in self.programs:
            self.programs[key] = capi.compile(case.functions(element))
        return self.programs[key]

    def call(self, family, case, element, suffix, *args):
        return getattr(self.program(family, case, element), case.name + suffix)(*args)


@pytest.fixture(scope="session")
def table():
    return Table()


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """The compiled programs of the examples, by name."""
    folder = tmp_path_factory.mktemp("examples")

    def get(name):
        return folder / name if (folder / name).exists() else programs.compile_example(name, folder)
    return get


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """The first 1000 samples of the training set, as train and test set."""
    images, labels = (programs.read_idx(programs.DATA / f"{name}.gz")[:1000] for name in programs.NAMES["train"])
    return programs.write_data(tmp_path_factory.mktemp("data"), images, labels)
