"""What the ops mean, in JAX: written after their descriptions, independent of the compiler."""

import jax
import jax.numpy as jnp
from jax import lax


def jit(function, level=3):
    """A compiled oracle. It runs a few times: XLA's emitters of fused loops would take half of the time to compile."""
    return jax.jit(function, compiler_options={"xla_cpu_use_fusion_emitters": False,
                                               "xla_backend_optimization_level": level})


def conv2d(x, w, b=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    y = lax.conv_general_dilated(x, w, stride, [(p, p) for p in padding], rhs_dilation=dilation,
                                 dimension_numbers=("NCHW", "OIHW", "NCHW"))
    return y if b is None else y + b[:, None, None]


def conv2d_input_gradient(ct, w, input_size, **window):
    x = jnp.zeros((ct.shape[0], w.shape[1], *input_size), ct.dtype)
    return jax.vjp(lambda x: conv2d(x, w, **window), x)[1](ct)[0]


def conv2d_weight_gradient(x, ct, kernel_size, per_sample=False, **window):
    if per_sample:
        return jax.vmap(lambda x, ct: conv2d_weight_gradient(x[None], ct[None], kernel_size, **window))(x, ct)
    w = jnp.zeros((ct.shape[1], x.shape[1], *kernel_size), ct.dtype)
    return jax.vjp(lambda w: conv2d(x, w, **window), w)[1](ct)[0]


def _windows(x, kernel, stride, padding, fill):
    """[N, C, oh, ow, kh*kw]: the elements of each window, row by row."""
    x = jnp.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)), constant_values=fill)
    height, width = ((n - k) // s + 1 for n, k, s in zip(x.shape[2:], kernel, stride))
    return jnp.stack([x[:, :, p:p + (height - 1) * stride[0] + 1:stride[0],
                        q:q + (width - 1) * stride[1] + 1:stride[1]]
                      for p in range(kernel[0]) for q in range(kernel[1])], axis=-1)


def max_pool2d(x, kernel, stride=None, padding=(0, 0)):
    return _windows(x, kernel, stride or kernel, padding, -jnp.inf).max(-1)


def max_pool2d_with_index(x, kernel, stride=None, padding=(0, 0)):
    windows = _windows(x, kernel, stride or kernel, padding, -jnp.inf)
    dtype = jnp.int8 if kernel[0] * kernel[1] <= 127 else jnp.int32
    return windows.max(-1), windows.argmax(-1).astype(dtype)


def max_pool2d_gather(x, winner, kernel, stride=None, padding=(0, 0)):
    windows = _windows(x, kernel, stride or kernel, padding, 0)
    return jnp.take_along_axis(windows, winner[..., None].astype(jnp.int32), -1)[..., 0]


def max_pool2d_scatter(ct, winner, input_size, **window):
    x = jnp.zeros((*ct.shape[:2], *input_size), ct.dtype)
    return jax.vjp(lambda x: max_pool2d_gather(x, winner, **window), x)[1](ct)[0]


def avg_pool2d(x, kernel, stride=None, padding=(0, 0)):
    return _windows(x, kernel, stride or kernel, padding, 0).mean(-1)


def avg_pool2d_gradient(ct, input_size, **window):
    x = jnp.zeros((*ct.shape[:2], *input_size), ct.dtype)
    return jax.vjp(lambda x: avg_pool2d(x, **window), x)[1](ct)[0]


def cross_entropy(logits, labels):
    return nll_loss(jax.nn.log_softmax(logits, 1), labels)


def nll_loss(log_probabilities, labels):
    return -jnp.take_along_axis(log_probabilities, labels[:, None], 1)[:, 0]


def mse_loss(prediction, target):
    return ((prediction - target) ** 2).reshape(len(prediction), -1).mean(1)


def broadcast(x, shape, dims=None):
    dims = dims or range(len(shape) - x.ndim, len(shape))
    return lax.broadcast_in_dim(x, shape, dims)


def mask_samples(x, first, count):
    rows = first + jnp.arange(x.shape[0]) < count
    return jnp.where(rows.reshape(-1, *[1] * (x.ndim - 1)), x, 0)


def dropout_mask(like, seed, step, first, rate, stream):
    """Philox4x32-10 (Salmon et al. 2011), a word for each of four neighbours in a row."""
    low = jnp.uint64(0xffffffff)
    step, seed = step.astype(jnp.uint64), seed.astype(jnp.uint64)
    samples, width = like.shape[0], like.shape[-1] if like.ndim > 1 else 1
    groups = -(-width // 4)
    rows = like[0].size // width
    sample = (first + jnp.arange(samples)).astype(jnp.uint64)[:, None]
    c = [sample & low, jnp.arange(rows * groups, dtype=jnp.uint64)[None], step, jnp.uint64(stream)]
    key = [seed & low, seed >> 32]
    for _ in range(10):
        a, b = c[0] * jnp.uint64(0xD2511F53), c[2] * jnp.uint64(0xCD9E8D57)
        c = [(b >> 32) ^ c[1] ^ key[0], b & low, (a >> 32) ^ c[3] ^ key[1], a & low]
        key = [(key[0] + jnp.uint64(0x9E3779B9)) & low, (key[1] + jnp.uint64(0xBB67AE85)) & low]
    words = jnp.stack(c, axis=-1).reshape(samples, rows, groups * 4)[..., :width]
    keep = words >= jnp.uint64(round(rate * 2**32))
    return jnp.where(keep, 1 / (1 - rate), 0).reshape(like.shape).astype(like.dtype)
