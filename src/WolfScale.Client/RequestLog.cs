using System.Diagnostics;
using System.Globalization;

namespace WolfScale.Client;

/// <summary>A line for each request to a node: what was asked, what came back, and how long that took until its headers. Neither the token nor a body is in it.</summary>
internal sealed class RequestLog(HttpMessageHandler inner, TextWriter log) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            var response = await base.SendAsync(request, cancellationToken);
            Write(request, begun, string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {response.ReasonPhrase}"));
            return response;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Write(request, begun, e is HttpRequestException ? (e.InnerException ?? e).Message : "given up");
            throw;
        }
    }

    private void Write(HttpRequestMessage request, long begun, string outcome) => log.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{Terminal.Program}: debug: {request.Method} {request.RequestUri}: {outcome}, {Stopwatch.GetElapsedTime(begun).TotalMilliseconds:0} ms"));
}
