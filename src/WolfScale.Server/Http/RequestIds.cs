using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>The id by which a request is found in the log: the caller's <c>X-Request-Id</c>, where that is fit to stand there, else one of our own.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    private const int LongestId = 128;

    public static string Of(HttpRequest request)
    {
        var given = request.Headers[Header].ToString();
        return given.Length is > 0 and <= LongestId && given.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':')
            ? given
            : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    }
}
