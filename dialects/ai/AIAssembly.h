// Parts of the assembly format that are not declarative.

#ifndef AI_DIALECTS_AI_AIASSEMBLY_H
#define AI_DIALECTS_AI_AIASSEMBLY_H

#include "mlir/IR/OpImplementation.h"

namespace ai {

/// An attribute dictionary whose integer lists are written `[1, 2]` and are dense.
mlir::ParseResult parseListAttrDict(mlir::OpAsmParser &parser, mlir::NamedAttrList &attributes);
void printListAttrDict(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                       mlir::DictionaryAttr attributes);

/// The same, without `stride` and `dilation` of 1 and `padding` of 0.
mlir::ParseResult parseConvAttrDict(mlir::OpAsmParser &parser, mlir::NamedAttrList &attributes);
void printConvAttrDict(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                       mlir::DictionaryAttr attributes);

/// The same, without `padding` of 0 and without a `stride` that equals `kernel`.
mlir::ParseResult parsePoolAttrDict(mlir::OpAsmParser &parser, mlir::NamedAttrList &attributes);
void printPoolAttrDict(mlir::OpAsmPrinter &printer, mlir::Operation *op,
                       mlir::DictionaryAttr attributes);

} // namespace ai

#endif // AI_DIALECTS_AI_AIASSEMBLY_H
