using System.Collections.Immutable;

namespace WolfScale.Settings;

/// <summary>What a token's bearer may do.</summary>
public enum TokenRole
{
    Read,
    Write,
    Admin,
}

/// <summary>The HTTP API.</summary>
public sealed record ApiSection
{
    public bool Enabled { get; init; } = true;

    public string BindAddress { get; init; } = "0.0.0.0:8080";

    /// <summary>An admin token. Required when not bound to loopback.</summary>
    [Secret]
    [Live]
    public string Token { get; init; } = "";

    /// <summary>More tokens: <c>[[api.tokens]]</c>.</summary>
    [Live]
    public ImmutableArray<ApiToken> Tokens { get; init; } = [];

    [ReadableFile]
    [Live]
    public string TlsCert { get; init; } = "";

    [ReadableFile]
    [Live]
    public string TlsKey { get; init; } = "";

    /// <summary>Requests a second that one address may send, beside those for health, status and metrics. 0: no limit.</summary>
    [Within(0, 1_000_000)]
    public int RateLimit { get; init; }
}

/// <summary>One <c>[[api.tokens]]</c> table.</summary>
public sealed record ApiToken
{
    [RequiredKey]
    [Secret]
    public string Token { get; init; } = "";

    [RequiredKey]
    public TokenRole Role { get; init; }

    /// <summary>For the log: whose token it is.</summary>
    public string Name { get; init; } = "";
}
