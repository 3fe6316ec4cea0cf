// The passes of lib/Codegen: what each needs, ensures, and when it fails.

#ifndef AI_CODEGEN_PASSES
#define AI_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def AIVectorizeLanesPass : Pass<"ai-vectorize-lanes", "mlir::func::FuncOp"> {
  let summary = "Lower linalg on memrefs to affine loops over vectors";
  let description = [{
    The lane is the innermost index of an op's result; it becomes vectors, every other
    loop an `affine.for` in the order of the op.

    ```mlir
    linalg.generic {indexing_maps = [affine_map<(o, i, n) -> (o, i)>, affine_map<(o, i, n) -> (i, n)>,
                                     affine_map<(o, i, n) -> (o, n)>], ...}
        ins(%w, %x : memref<10x84xf32>, memref<84x16xf32>) outs(%y : memref<10x16xf32>) {...}
    // becomes
    affine.for %o = 0 to 10 {
      affine.for %i = 0 to 84 {
        %0 = affine.load %w[%o, %i] : memref<10x84xf32>
        %1 = vector.transfer_read %x[%i, %c0], %poison {in_bounds = [true]} : memref<84x16xf32>, vector<16xf32>
        %2 = vector.transfer_read %y[%o, %c0], %poison {in_bounds = [true]} : memref<10x16xf32>, vector<16xf32>
        %3 = vector.broadcast %0 : f32 to vector<16xf32>
        ...
        vector.transfer_write %5, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<10x16xf32>
    ```

    A vector holds as many elements of the op's widest operand as `vector-bits` allows; the
    rest of an extent becomes vectors of half the length, and so on. Where the lane moves
    (transpositions) squares are transposed in registers; where it is summed over, partial
    sums are kept in vectors and folded in halves, so floating-point sums are
    reassociated, always in the same way. What fits none of this becomes scalar code.
    A loop of one iteration is not made.

    - Needs: memrefs of static shape, also strided ones.
    - Ensures: no linalg op and no memref.copy; loops have constant bounds.
    - Fails when: an op works on tensors or has a dynamic shape.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::memref::MemRefDialect",
                           "mlir::ub::UBDialect", "mlir::vector::VectorDialect"];
  let options = [Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"512",
      "Length of a vector register in bits">];
  let statistics = [
    Statistic<"numLanes", "num-lanes", "Ops whose results' innermost index became vectors">,
    Statistic<"numTiled", "num-tiled", "Ops transposed in registers">,
    Statistic<"numHorizontal", "num-horizontal", "Ops whose vectors are summed up">,
    Statistic<"numScalar", "num-scalar", "Ops lowered to scalar code">];
}

#endif // AI_CODEGEN_PASSES
