namespace WolfScale.Unit.Server;

/// <summary>An API of a test over TLS, with one of the tests' two certificates.</summary>
internal static class TlsApi
{
    /// <summary>Whether the API on this port of loopback shows the certificate of that name.</summary>
    public static async Task<bool> ShowsAsync(int port, string name)
    {
        var shown = "";
        using var http = Client(subject => shown = subject);
        using var answer = await http.GetAsync(new Uri($"https://127.0.0.1:{port}/health/live"));
        return shown == $"CN={name}";
    }

    /// <param name="sees">Told whose certificate is shown.</param>
    public static HttpClient Client(Action<string> sees) => new(new SocketsHttpHandler
    {
        SslOptions =
        {
            // Which one is shown is the question, and both are of the tests.
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                sees(certificate!.Subject);
                return certificate.Subject is "CN=one" or "CN=other";
            },
        },
    });
}
