#!/bin/bash
# train.sh NAME [COMMAND] [ARGUMENTS]: sets the machine up, builds the compiler, compiles
# examples/NAME/NAME.mlir and runs the program: `train`, or the COMMAND given.
# Without --data the program reads Debian's Fashion-MNIST; its bytes are checked here.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift

tools/setup.sh

check_fashion_mnist() {
  local folder=/usr/share/datasets/fashion-mnist sum file
  while read -r sum file; do
    [ "$(gzip -dc "$folder/$file.gz" | sha256sum)" = "$sum  -" ] ||
      { echo "train: $folder/$file.gz expects SHA-256 $sum of its uncompressed bytes" >&2; exit 1; }
  done <<'SUMS'
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 train-images-idx3-ubyte
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 train-labels-idx1-ubyte
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b t10k-images-idx3-ubyte
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 t10k-labels-idx1-ubyte
SUMS
}

command=train
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  command=$1
  shift
fi
case " $* " in
  *' --data '* | *' --data='*) ;;
  *) case $command in train | eval | predict) check_fashion_mnist ;; esac ;;
esac

model=examples/$name/$name.mlir program=build/examples/$name
mkdir -p build/examples
for input in "$model" build/bin/ai-compile build/lib/libai_rt.a; do
  if [ "$input" -nt "$program" ]; then
    echo "build/bin/ai-compile $model -o $program"
    build/bin/ai-compile "$model" -o "$program"
    break
  fi
done
exec "$program" "$command" "$@"
