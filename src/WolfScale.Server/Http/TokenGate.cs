using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>What an endpoint wants of the caller. Without this mark it wants an admin's token: forgetting to say so opens nothing.</summary>
internal sealed record Wants(TokenRole? Role);

internal static class WantsExtensions
{
    /// <summary>Health, status and metrics: for everybody who reaches the port.</summary>
    public static T Open<T>(this T endpoint)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new Wants(null));

    public static T For<T>(this T endpoint, TokenRole role)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new Wants(role));
}

/// <summary>What a request's token allows, for routes where more than one role may ask.</summary>
internal static class Caller
{
    private static readonly object Key = new();

    public static TokenRole RoleOf(HttpContext context) => context.Items.TryGetValue(Key, out var role) && role is TokenRole known ? known : TokenRole.Read;

    public static void Note(HttpContext context, TokenRole role) => context.Items[Key] = role;
}

/// <summary>
/// Compares <c>Authorization: Bearer TOKEN</c> with the configured tokens. Without any token configured, callers from this machine are
/// trusted; the configuration's rules refuse that on any other address.
/// </summary>
internal sealed class TokenGate
{
    private const string Scheme = "Bearer ";

    private volatile (byte[] Hash, TokenRole Role)[] _tokens;

    public TokenGate(ApiSection api) => _tokens = Hashes(api);

    /// <summary>Other tokens from here on.</summary>
    public void Follow(ApiSection api) => _tokens = Hashes(api);

    private static (byte[] Hash, TokenRole Role)[] Hashes(ApiSection api) =>
        api.Tokens.Select(t => (t.Token, t.Role))
            .Concat(api.Token.Length > 0 ? [(api.Token, TokenRole.Admin)] : [])
            .Select(t => (SHA256.HashData(Encoding.UTF8.GetBytes(t.Item1)), t.Item2))
            .ToArray();

    /// <summary>The token that came with a call; empty: none.</summary>
    public static string TokenOf(HttpContext context) => context.Request.Headers.Authorization.ToString() is { } header && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        ? header[Scheme.Length..].Trim()
        : "";

    /// <summary>Null when the call may go on, else the answer to give.</summary>
    public IResult? Check(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
            return null; // nothing there: the 404 says so
        var wanted = (endpoint.Metadata.GetMetadata<Wants>() ?? new Wants(TokenRole.Admin)).Role;
        if (wanted is null)
            return null;
        if (_tokens.Length == 0 && context.Connection.RemoteIpAddress is { } ip && System.Net.IPAddress.IsLoopback(ip) && IsOwnName(context.Request.Host.Host))
        {
            Caller.Note(context, TokenRole.Admin);
            return null;
        }

        var header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Problems.Unauthorized("Send the header \"Authorization: Bearer TOKEN\" with the token of [api] in this node's configuration.");
        }

        var role = Find(TokenOf(context));
        if (role is { } known)
            Caller.Note(context, known);
        return role switch
        {
            null => Problems.Unauthorized("This token is not one of the tokens of this node's configuration."),
            { } had when had < wanted => Problems.Forbidden($"This needs a token of role {wanted.ToString()!.ToLowerInvariant()}; yours has {had.ToString().ToLowerInvariant()}."),
            _ => null,
        };
    }

    /// <summary>
    /// A page of the world's whose name was made to mean 127.0.0.1 (DNS rebinding) asks from this machine too, by its own name: whoever is trusted without a token calls the node by an address, or by this machine's name.
    /// </summary>
    internal static bool IsOwnName(string host) =>
        System.Net.IPAddress.TryParse(host.Trim('[', ']'), out _) || host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase);

    /// <summary>Hashes first, so that neither the length nor a common beginning can be measured; looks at every token, for the same reason.</summary>
    private TokenRole? Find(string token)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        TokenRole? found = null;
        foreach (var (known, role) in _tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, known) && (found is null || role > found))
                found = role;
        }

        return found;
    }
}
