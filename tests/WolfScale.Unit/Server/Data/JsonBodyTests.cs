using System.Text;
using WolfScale.Server.Http.Data;

namespace WolfScale.Unit.Server.Data;

/// <summary>A body means one thing, or nothing.</summary>
public class JsonBodyTests
{
    [Theory]
    [InlineData("{\"a\": 1", "invalid_json")]
    [InlineData("", "invalid_json")]
    [InlineData("{\"a\": 01}", "invalid_json")]
    [InlineData("{\"a\": 1} x", "invalid_json")]
    [InlineData("{\"a\": 1, \"a\": 2}", "duplicate_key")]
    [InlineData("{\"v\": {\"a\": 1, \"\\u0061\": 2}}", "duplicate_key")]
    public void What_is_not_one_document_is_refused(string body, string code) => Assert.Equal(code, Refusal(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void A_hundred_levels_are_too_deep() => Assert.Equal("invalid_json", Refusal(Encoding.UTF8.GetBytes(new string('[', 100) + new string(']', 100))));

    [Fact]
    public void Bytes_that_are_no_utf8_are_refused() => Assert.Equal("invalid_utf8", Refusal([.. "{\"a\": \""u8, 0xC3, 0x28, .. "\"}"u8]));

    private static string Refusal(byte[] body) => Assert.Throws<DataProblemException>(() => JsonBody.Parse(body)).Code;
}
