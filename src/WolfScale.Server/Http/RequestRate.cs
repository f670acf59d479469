using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>
/// How many requests one address may send: a bucket for each, of one second's. By address and not by token, so that guessing tokens is slowed too; of IPv6 by network of 64 bits, because a machine may have all of one.
/// What is open to everybody (health, status, metrics) is not counted: whoever watches must see the node in any case.
/// </summary>
internal sealed class RequestRate(int perSecond) : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress> _limiter = PartitionedRateLimiter.Create<IPAddress, string>(
        address => RateLimitPartition.GetTokenBucketLimiter(Network(address), _ => Bucket(perSecond)));

    /// <summary>The limit that is configured; null for none.</summary>
    public static RequestRate? Of(ApiSection api) => api.RateLimit > 0 ? new RequestRate(api.RateLimit) : null;

    /// <summary>Null when the call may go on, else the answer to give.</summary>
    public IResult? Check(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<Wants>() is { Role: null } || context.Connection.RemoteIpAddress is not { } address)
            return null;
        using var lease = _limiter.AttemptAcquire(address);
        if (lease.IsAcquired)
            return null;
        context.Response.Headers.RetryAfter = "1";
        return Problems.Make(
            StatusCodes.Status429TooManyRequests, "too_many_requests", "Too many requests",
            string.Create(CultureInfo.InvariantCulture, $"This node takes {perSecond} requests a second from one address (api.rate_limit). Nothing was done: send it again a second later."));
    }

    public void Dispose() => _limiter.Dispose();

    /// <summary>Filled ten times a second, or as often as one is added.</summary>
    private static TokenBucketRateLimiterOptions Bucket(int perSecond)
    {
        var added = Math.Max(1, perSecond / 10);
        return new() { TokenLimit = perSecond, TokensPerPeriod = added, ReplenishmentPeriod = TimeSpan.FromSeconds((double)added / perSecond), QueueLimit = 0 };
    }

    internal static string Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.GetAddressBytes() is { Length: 16 } bytes ? Convert.ToHexString(bytes, 0, 8) : address.ToString();
    }
}
