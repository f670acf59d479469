using System.Text.Json;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>The API's description tells of what is there, and of nothing else.</summary>
public class OpenApiTests
{
    private const string Description = """{"openapi": "3.1.0", "paths": {"/a": {"get": {"summary": "A"}}, "/b": {"post": {"summary": "B", "description": "Wants a token of role write or more."}}}}""";

    [Fact]
    public void What_is_not_described_is_shown_as_such_and_what_is_not_mapped_is_left_out()
    {
        var made = Make(("/a", "get", null), ("/c", "get", null));

        Assert.Equal(["/a", "/c"], made.GetProperty("paths").EnumerateObject().Select(p => p.Name));
        Assert.Equal("Not described", made.GetProperty("paths").GetProperty("/c").GetProperty("get").GetProperty("summary").GetString());
    }

    [Fact]
    public void A_role_that_is_described_wrongly_is_shown_as_such()
    {
        Assert.Contains("which the description does not say", Make(("/b", "post", TokenRole.Admin)).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("which the description does not say", Make(("/b", "post", TokenRole.Write)).ToString(), StringComparison.Ordinal);
    }

    private static JsonElement Make(params (string Path, string Method, TokenRole? Role)[] mapped) => JsonDocument.Parse(OpenApiEndpoint.Make(Description, mapped)).RootElement;
}
