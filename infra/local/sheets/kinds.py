"""Kinds of batchUpdate requests that Google knows and the stand-in does not carry out.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

# They change looks only: kept with the tab, without effect.
FORMATTING = frozenset(
    {
        "autoResizeDimensions",
        "updateDimensionProperties",
        "updateBorders",
        "setDataValidation",
        "setBasicFilter",
        "clearBasicFilter",
        "addConditionalFormatRule",
        "updateConditionalFormatRule",
        "deleteConditionalFormatRule",
        "addDimensionGroup",
        "deleteDimensionGroup",
        "unmergeCells",
    }
)
# They change data, or answer with ids that would have to be made: answered 501.
UNSUPPORTED = frozenset(
    {
        "addBanding",
        "addChart",
        "addDataSource",
        "addFilterView",
        "addNamedRange",
        "addProtectedRange",
        "addSlicer",
        "addTable",
        "autoFill",
        "cancelDataSourceRefresh",
        "copyPaste",
        "createDeveloperMetadata",
        "cutPaste",
        "deleteBanding",
        "deleteDataSource",
        "deleteDeveloperMetadata",
        "deleteDuplicates",
        "deleteEmbeddedObject",
        "deleteFilterView",
        "deleteNamedRange",
        "deleteProtectedRange",
        "deleteRange",
        "deleteTable",
        "duplicateFilterView",
        "insertRange",
        "mergeCells",
        "pasteData",
        "randomizeRange",
        "refreshDataSource",
        "textToColumns",
        "trimWhitespace",
        "updateBanding",
        "updateChartSpec",
        "updateDataSource",
        "updateDeveloperMetadata",
        "updateDimensionGroup",
        "updateEmbeddedObjectBorder",
        "updateEmbeddedObjectPosition",
        "updateFilterView",
        "updateNamedRange",
        "updateProtectedRange",
        "updateSlicerSpec",
        "updateTable",
    }
)
