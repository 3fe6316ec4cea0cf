// The one header of the `library` dialect that other rooms include.

#ifndef AI_DIALECTS_LIBRARY_LIBRARYDIALECT_H
#define AI_DIALECTS_LIBRARY_LIBRARYDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/library/LibraryDialect.h.inc"
#include "dialects/library/LibraryEnums.h.inc"
#define GET_OP_CLASSES
#include "dialects/library/LibraryOps.h.inc"

#endif // AI_DIALECTS_LIBRARY_LIBRARYDIALECT_H
