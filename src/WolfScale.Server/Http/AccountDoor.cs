namespace WolfScale.Server.Http;

/// <summary>Why a question for account hashes is not answered, or that it is.</summary>
internal enum DoorAnswer
{
    Open,

    /// <summary>It was not asked with this cluster's secret, or not at all.</summary>
    NotGenuine,

    /// <summary>The clocks differ by more than <see cref="AccountDoor.Window"/>, or it was kept back for so long.</summary>
    OutOfTime,

    /// <summary>It was asked before.</summary>
    Repeated,

    /// <summary>More genuine questions within the window than are remembered.</summary>
    Crowded,
}

/// <summary>Lets each genuine question in once: its time must be near, and its nonce must not have been seen since. What is remembered is bounded.</summary>
internal sealed class AccountDoor(AccountSeal seal, TimeProvider time, int capacity = 10_000)
{
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    private readonly HashSet<Int128> _seen = [];
    private readonly Queue<(Int128 Nonce, long ForgetAtMs)> _order = new();

    public DoorAnswer Knock(AccountHashesRequest request)
    {
        if (!seal.IsGenuine(request))
            return DoorAnswer.NotGenuine; // first, so that strangers learn nothing and fill nothing
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var window = (long)Window.TotalMilliseconds;
        if (request.TimestampMs < now - window || request.TimestampMs > now + window)
            return DoorAnswer.OutOfTime;
        var nonce = BitConverter.ToInt128(request.Nonce!);
        lock (_seen)
        {
            while (_order.TryPeek(out var oldest) && oldest.ForgetAtMs < now)
                _ = _seen.Remove(_order.Dequeue().Nonce);
            if (_seen.Contains(nonce))
                return DoorAnswer.Repeated;
            if (_seen.Count >= capacity)
                return DoorAnswer.Crowded;
            _ = _seen.Add(nonce);
            _order.Enqueue((nonce, now + (2 * window))); // its time may lie one window ahead
            return DoorAnswer.Open;
        }
    }
}
