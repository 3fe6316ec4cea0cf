// RUN: ai-opt %s --split-input-file --verify-diagnostics

func.func @rows(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects 16 rows of 'tensor<?x8xf32>' in its region, got 'tensor<8x8xf32>'}}
  ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> () {
  ^bb0(%first: tensor<i64>, %rows: tensor<8x8xf32>):
    ai.yield
  }
  return
}

// -----

func.func @arguments(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects a region on tensor<i64> and one block of rows for each of its 1 operands, got 1 arguments}}
  ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> () {
  ^bb0(%rows: tensor<16x8xf32>):
    ai.yield
  }
  return
}

// -----

func.func @yields(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects to yield 'tensor<8xf32>', got 'tensor<16x8xf32>'}}
  %0 = ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> tensor<8xf32> {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    ai.yield %rows : tensor<16x8xf32>
  }
  return
}

// -----

func.func @number(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects its region to yield one value for each of its 1 results}}
  %0 = ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> tensor<8xf32> {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    ai.yield
  }
  return
}

// -----

func.func @rest(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects 1 row of 'tensor<?x8xf32>' in its region, got 'tensor<2x8xf32>'}}
  ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> () {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    ai.yield
  } rest 3 {
  ^bb0(%first: tensor<i64>, %row: tensor<2x8xf32>):
    ai.yield
  }
  return
}

// -----

func.func @long_rest(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects a rest of less than 16 rows, got 16}}
  ai.for_blocks size 16 slots 2(%x) : (tensor<?x8xf32>) -> () {
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    ai.yield
  } rest 16 {
  ^bb0(%first: tensor<i64>, %row: tensor<1x8xf32>):
    ai.yield
  }
  return
}

// -----

func.func @no_rest(%x: tensor<?x8xf32>) {
  // expected-error@below {{'ai.for_blocks' op expects most_rest and a region for the rest together}}
  "ai.for_blocks"(%x) <{size = 16 : i64, slots = 2 : i64, most_rest = 3 : i64}> ({
  ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
    ai.yield
  }, {}) : (tensor<?x8xf32>) -> ()
  return
}
