using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using WolfScale.Server.Http.Data.Statements;

namespace WolfScale.Unit.Server.Data;

/// <summary>A long value is written in pieces, and is the same.</summary>
public class LongValueTests
{
    private const int Piece = 4096;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Piece)]
    [InlineData(Piece + 1)]
    [InlineData(3 * Piece)]
    [InlineData((3 * Piece) + 7)]
    public void Text_and_bytes(int length)
    {
        foreach (var shift in (string[])["", "x"]) // a character of two code units is cut in the middle, or not
        {
            var text = (shift + string.Concat(Enumerable.Repeat("a\"\\é\u0001😀zz", (length / 8) + 1)))[..length];
            if (text.Length > 0 && char.IsHighSurrogate(text[^1]))
                text = text[..^1];
            Assert.Equal(text, Written(json => ResultWriter.WriteText(json, text)).GetString());
        }

        var bytes = RandomNumberGenerator.GetBytes(length);
        Assert.Equal(bytes, Written(json => ResultWriter.WriteBytes(json, bytes)).GetBytesFromBase64());
    }

    /// <summary>A megabyte does not need three of room.</summary>
    [Fact]
    public void No_room_is_asked_for_that_a_long_value_does_not_need()
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(new Most(output)))
        {
            json.WriteStartArray();
            ResultWriter.WriteText(json, new string('x', 1_000_000));
            ResultWriter.WriteBytes(json, new byte[1_000_000]);
            json.WriteEndArray();
        }

        Assert.InRange(output.WrittenCount, 2_000_000, 2_500_000);
    }

    private static JsonElement Written(Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
            write(json);
        return JsonDocument.Parse(output.WrittenMemory).RootElement.Clone();
    }

    /// <summary>Refuses to give much at once.</summary>
    private sealed class Most(ArrayBufferWriter<byte> output) : IBufferWriter<byte>
    {
        public void Advance(int count) => output.Advance(count);

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            Assert.InRange(sizeHint, 0, 64 << 10);
            return output.GetMemory(sizeHint)[..Math.Max(sizeHint, 256)];
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
