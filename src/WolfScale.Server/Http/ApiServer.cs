using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WolfScale.Server.Http;

/// <summary>The HTTP API: Kestrel on <c>api.bind_address</c>. It reads snapshots and asks; it decides nothing.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    /// <summary>A body is held in memory; larger values go through the proxy.</summary>
    private const long MaxRequestBytes = 1 << 20;

    /// <summary>What waits is told that the node stops, and what works for the database ends with the proxy; who is left after this sends or reads too slowly to be waited for.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly WebApplication _application;
    private readonly TokenGate _gate;
    private readonly ServedCertificate? _certificate;

    private ApiServer(WebApplication application, TokenGate gate, ServedCertificate? certificate) => (_application, _gate, _certificate) = (application, gate, certificate);

    /// <summary>The address in force, with the real port where 0 was asked for.</summary>
    public Uri Address => new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>A node's API: starts listening.</summary>
    /// <exception cref="IOException">The address is in use or not this machine's.</exception>
    public static Task<ApiServer> StartAsync(
        ApiSection api, INodeReportSource source, INodeOperations operations, ILoggerFactory loggers, Action<IEndpointRouteBuilder>? more = null, CancellationToken cancellationToken = default) =>
        StartAsync(
            api, loggers, routes =>
            {
                StatusEndpoints.Map(routes, source);
                HealthEndpoints.Map(routes, source);
                AdminEndpoints.Map(routes, source, operations);
                more?.Invoke(routes);
            },
            cancellationToken);

    /// <summary>Starts listening.</summary>
    /// <param name="api">Where, and who may ask.</param>
    /// <param name="loggers">Of the whole process.</param>
    /// <param name="map">What there is to ask for.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="IOException">The address is in use or not this machine's.</exception>
    public static async Task<ApiServer> StartAsync(ApiSection api, ILoggerFactory loggers, Action<IEndpointRouteBuilder> map, CancellationToken cancellationToken)
    {
        if (!HostPort.TryParse(api.BindAddress, out var bind, out var problem))
            throw new ArgumentException("api.bind_address: " + problem, nameof(api));
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [], ContentRootPath = AppContext.BaseDirectory });
        builder.Services.RemoveAll<ILoggerFactory>();
        _ = builder.Services.AddSingleton(loggers);
        // The node handles signals itself, in its own order; the web host must not end the process.
        _ = builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        _ = builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopLimit);
        var certificate = api.TlsCert.Length > 0 ? new ServedCertificate(X509Certificate2.CreateFromPemFile(api.TlsCert, api.TlsKey)) : null;
        _ = builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.Listen(bind.ToEndPoint(), listen =>
            {
                if (certificate is not null)
                    _ = listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate.Current);
            });
        });
        var application = builder.Build();
        var gate = new TokenGate(api);
        var rate = RequestRate.Of(api);
        _ = application.Lifetime.ApplicationStopped.Register(() => rate?.Dispose());
        Configure(application, rate, gate);
        map(application);
        await application.StartAsync(cancellationToken);
        return new ApiServer(application, gate, certificate);
    }

    /// <summary>Takes over other tokens, and a certificate that was read anew; where the API listens, and whether it speaks TLS, stays.</summary>
    /// <param name="api">Valid.</param>
    /// <param name="certificate">Null: it goes on with the one it has.</param>
    internal void Reconfigure(ApiSection api, X509Certificate2? certificate)
    {
        _gate.Follow(api);
        if (certificate is not null)
            _certificate?.Follow(certificate);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(CancellationToken.None);
        await _application.DisposeAsync();
    }

    private static void Configure(WebApplication application, RequestRate? rate, TokenGate gate)
    {
        _ = application.Use(async (context, next) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers[RequestIds.Header] = context.TraceIdentifier = RequestIds.Of(context.Request);
            SecurityHeaders.Add(context.Response.Headers);
            try
            {
                await next(context);
            }
            catch (BadHttpRequestException e) when (!context.Response.HasStarted)
            {
                var code = e.StatusCode == StatusCodes.Status413PayloadTooLarge ? "too_large" : "bad_request";
                await Problems.Make(e.StatusCode, code, "The request could not be read", e.Message).ExecuteAsync(context);
            }

            if (context.Response is { HasStarted: false, StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed, ContentType: null })
                await Missing(context).ExecuteAsync(context);
        });
        _ = application.UseRouting();
        _ = application.Use((context, next) => Refusal(context, rate, gate) is { } refusal ? refusal.ExecuteAsync(context) : next(context));
    }

    /// <summary>Who is known as an administrator is not counted: a comparison of all nodes is many requests.</summary>
    private static IResult? Refusal(HttpContext context, RequestRate? rate, TokenGate gate)
    {
        if (SecurityHeaders.RefuseForeignPage(context.Request) is { } foreign)
            return foreign;
        var refusal = gate.Check(context);
        return refusal is null && Caller.RoleOf(context) == TokenRole.Admin ? null : rate?.Check(context) ?? refusal;
    }

    private static IResult Missing(HttpContext context) => context.Response.StatusCode == StatusCodes.Status404NotFound
        ? Problems.NotFound($"There is nothing at {context.Request.Path}.")
        : Problems.Make(StatusCodes.Status405MethodNotAllowed, "method_not_allowed", "Method not allowed", $"{context.Request.Path} does not take {context.Request.Method}.");

    /// <summary>What clients are shown; swapped whole.</summary>
    private sealed class ServedCertificate(X509Certificate2 start)
    {
        private volatile X509Certificate2 _current = start;

        public X509Certificate2 Current => _current;

        public void Follow(X509Certificate2 certificate) => _current = certificate;
    }

    /// <summary>Leaves SIGTERM and Ctrl+C to the node.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
