using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>
/// What browsers are told about every answer. There are no CORS headers: a page of another origin can read nothing here, nor make a browser change anything.
/// </summary>
internal static class SecurityHeaders
{
    /// <summary>For everything but the page: a browser that shows an answer runs nothing of it.</summary>
    public const string NothingPolicy = "default-src 'none'; frame-ancestors 'none'";

    public static void Add(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = NothingPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
    }

    /// <summary>For the dashboard's page: its own files and its own node; no script in the page, none made of text; of other members no more than whether they answer.</summary>
    /// <param name="members">Origins of the other members.</param>
    public static string PagePolicy(IEnumerable<string> members) =>
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + string.Join(' ', members.Prepend("'self'"))
        + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    /// <summary>
    /// Refuses what another site's page makes a visitor's browser send: where no token is set, this machine is trusted, and the browser is on this machine. Browsers send the origin with
    /// everything that is no mere reading; programs do not.
    /// </summary>
    /// <returns>The refusal, or null.</returns>
    public static IResult? RefuseForeignPage(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
            return null;
        var isOwn = request.Headers["Sec-Fetch-Site"] == "same-origin"
            || (Uri.TryCreate(origin, UriKind.Absolute, out var from) && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
        return isOwn ? null : Problems.Make(StatusCodes.Status403Forbidden, "foreign_page", "Asked by another site's page", $"The page that asks is from {origin}, not from this node. Use this node's own dashboard, or wolfctl.");
    }
}
