"""The text of a program."""

from __future__ import annotations

from plans import copies, training_step

from graphc.program.printer import format_program


def test_training_step() -> None:
    assert format_program(training_step()) == (
        "plan step(batch) {\n"
        "  in    %x: f32[batch, 784]\n"
        "  in    %t: f32[batch, 10]\n"
        "  var   %W: f32[784, 10]\n"
        "  const %s: f32[]\n"
        "  out   loss: f32[]\n"
        "  arena 128*((40*batch + 63)//64) + 64*batch + 31360\n"
        "  slot a: f32[batch, 10] at 0                                live 1..2\n"
        "  slot d: f32[batch, 10] at 64*((40*batch + 63)//64)         live 2..3\n"
        "  slot g: f32[784, 10] at 128*((40*batch + 63)//64)          live 3..3\n"
        "  slot partial: f32[batch] at 128*((40*batch + 63)//64)      live 2..2\n"
        "  1  library  gemm(%x, %W)                -> a    # batch x 10 x 784\n"
        "  2  kernel   residual_0(a, %t, %s)       -> loss, d\n"
        "  3  library  gemm(%x^T, d, alpha=-0.25)  -> g    # 784 x 10 x batch    epilogue: update_0(%W, g) -> %W\n"
        "}\n"
    )


def test_copies() -> None:
    text = format_program(copies())
    assert "  1  copy     %j  -> o\n  2  copy     %i  -> p\n" in text
    assert text.startswith("plan copies(batch, n) {\n")
