"""A digest of bytes under secret keys, for which a bound on collisions is proven.

The hash is NH (Black, Halevi, Krawczyk, Krovetz, Rogaway, "UMAC: Fast and Secure Message
Authentication", CRYPTO 1999) on words of 32 bits: the sum, modulo 2**64, of the products
``(m[2i] + k[2i]) * (m[2i+1] + k[2i+1])`` whose factors are taken modulo 2**32. Two different
messages of equal length have the same sum for at most one key in 2**32. Four sums with the same
key, moved by one vector each, have all four equal for at most one in 2**128: look at the last
place where the messages differ; the words of the key that each further sum meets there meet no
difference in the sums before it, so that each sum is an independent chance (theorem of that paper
for a shift of two words; nothing but the place of the fresh words changes with another shift).

Blocks of `BLOCK` bytes become 32 bytes each, and what they become is hashed again with other keys
until 32 bytes are left. Each of the at most `LEVELS` levels adds one chance of 2**-128, so two
different messages of equal length have one digest with probability of at most 5 * 2**-128. This
holds for any two messages that do not depend on the keys, which are drawn at random for a process
(`sandbox.digests.random_keys`) and shown to nobody. Lengths are never mixed: who compares two digests has hashed
the same number of bytes for both.

Hashing takes one multiplication for eight bytes and sum, which vector units do eight at a time.
"""

from __future__ import annotations

from typing import Final

from llvmlite import ir

from sandbox.digests import BLOCK, CHUNK, DIGEST, LEVEL_BYTES, SUMS, VECTOR
from sandbox.native.emit import I32, I64, Code, Value

__all__ = ["digest"]

_LANES: Final = VECTOR // 4
_WORDS: Final = ir.VectorType(I32, _LANES)
_PAIRS: Final = ir.VectorType(I64, _LANES // 2)


def _level(module: ir.Module) -> ir.Function:
    """Give ``level(key, source, size, target, pad)``: a digest of each block; their bytes."""
    code = Code(module, "digest_level", 5)
    key, source, size, target, pad = code.args
    builder = code.builder
    whole = builder.lshr(size, I64(CHUNK.bit_length() - 1))
    rest = code.both(size, CHUNK - 1)
    partial = code.test(rest, "!=", 0)
    with code.when(partial):
        code.fill(pad, 0, CHUNK)
        code.copy(pad, code.add(source, code.mul(whole, CHUNK)), rest)
    chunks = code.add(whole, code.bit(partial))
    of_block = BLOCK // CHUNK
    blocks = builder.lshr(code.add(chunks, of_block - 1), I64(of_block.bit_length() - 1))
    sums = [code.room(_PAIRS) for _ in range(SUMS)]
    with code.each(blocks) as block:
        first = code.mul(block, of_block)
        left = code.sub(chunks, first)
        for place in sums:
            builder.store(_PAIRS(None), place)
        with code.each(code.choose(code.test(left, "<", of_block), left, of_block)) as number:
            index = code.add(first, number)
            inside = code.add(source, code.mul(index, CHUNK))
            at = code.choose(code.test(index, "<", whole), inside, pad)
            keys = code.add(key, code.mul(number, CHUNK))
            totals = [builder.load(place) for place in sums]
            fresh: dict[int, Value] = {}
            for step in range(CHUNK // VECTOR):
                message = _vector(code, code.add(at, step * VECTOR))
                for k in range(SUMS):
                    if step + k not in fresh:
                        fresh[step + k] = _vector(code, code.add(keys, (step + k) * VECTOR))
                    totals[k] = builder.add(
                        totals[k], _products(builder, builder.add(message, fresh[step + k]))
                    )
            for place, total in zip(sums, totals, strict=True):
                builder.store(total, place)
        for k, place in enumerate(sums):
            total = builder.load(place)
            whole_sum = builder.extract_element(total, I32(0))
            for lane in range(1, _LANES // 2):
                whole_sum = builder.add(whole_sum, builder.extract_element(total, I32(lane)))
            code.store(code.add(target, code.add(code.mul(block, DIGEST), 8 * k)), whole_sum)
    code.give(code.mul(blocks, DIGEST))
    return code.done()


def _vector(code: Code, address: Value) -> Value:
    found = code.builder.load(code.pointer(address, _WORDS))
    found.align = 1
    return found


def _products(builder: ir.IRBuilder, words: Value) -> Value:
    """Multiply the two halves of each 64 bits."""
    pairs = builder.bitcast(words, _PAIRS)
    low = builder.and_(pairs, _PAIRS([0xFFFFFFFF] * (_LANES // 2)))
    high = builder.lshr(pairs, _PAIRS([32] * (_LANES // 2)))
    return builder.mul(low, high)


def digest(module: ir.Module) -> ir.Function:
    """Give ``digest(keys, source, size, target, room)``: write the `DIGEST` bytes of a message.

    ``room`` has `room_of` the size bytes.
    """
    level = _level(module)
    code = Code(module, "digest", 5, inner=False)
    keys, source, size, target, room = code.args
    # What a level gives is read by the next one, so that they write in two places in turns.
    blocks = code.builder.lshr(code.add(size, BLOCK - 1), I64(BLOCK.bit_length() - 1))
    here = code.variable(code.add(room, CHUNK))
    there = code.variable(code.add(code.get(here), code.mul(blocks, DIGEST)))
    at, left, key = code.variable(source), code.variable(size), code.variable(keys)
    with code.forever() as after:
        last = code.test(code.get(left), "<=", BLOCK)
        to = code.choose(last, target, code.get(here))
        found = code.call(level, code.get(key), code.get(at), code.get(left), to, room)
        with code.when(last):
            code.leave(after)
        code.put(left, found)
        code.put(at, to)
        code.put(here, code.get(there))
        code.put(there, to)
        code.put(key, code.add(code.get(key), LEVEL_BYTES))
    code.give(0)
    return code.done()
