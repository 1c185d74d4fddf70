"""What can go wrong in this room, as one tree.

ToolError (ValueError)
├── NoDatasetError         a question about cells before a dataset is open
├── DatasetError           the file cannot be opened or used; carries `code` and `fix`
├── UnknownLabelError      a cluster, group, cell or obs column that is not there
├── UnknownGeneError       a gene that was not measured
├── UnknownTermError       a name that no ontology term carries
├── UnsupportedError       the dataset is open, but this cannot be asked of it
├── DescriberError         the model could not be loaded or could not read the cells
└── OpeningCancelledError  somebody stopped the opening of a file

Messages say what was given, what is available and what to do next. They are shown to
people and to language models alike, so they never hold expression values or barcodes.
"""


class ToolError(ValueError):
    """Base of everything that a caller of this room may want to catch."""


class NoDatasetError(ToolError):
    """No dataset is open."""


class DatasetError(ToolError):
    """A file that cannot be opened as a dataset, or not be used once it is.

    Parameters
    ----------
    message
        What was given and what is wrong with it, in full sentences.
    code
        Stable name of the problem, for scripts (``"not_a_dataset"``).
    fix
        What to do next, in one sentence.
    """

    def __init__(self, message: str, *, code: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code = code
        self.message = message
        self.fix = fix


class UnknownLabelError(ToolError):
    """A cluster, group, cell or column that the dataset does not have."""


class UnknownGeneError(ToolError):
    """A gene that is not measured in the open dataset."""


class UnknownTermError(ToolError):
    """A name that resolves to no ontology term."""


class UnsupportedError(ToolError):
    """The open dataset does not hold what this question needs."""


class DescriberError(ToolError):
    """The model could not be loaded, or could not read these cells."""


class OpeningCancelledError(ToolError):
    """The opening of a file was stopped; what was open before stays open."""
