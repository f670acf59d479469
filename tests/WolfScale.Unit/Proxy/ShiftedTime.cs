namespace WolfScale.Unit.Proxy;

/// <summary>A clock that runs, and can be put forward.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _by;

    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _by);

    public void Shift(int milliseconds) => Interlocked.Add(ref _by, milliseconds * (TimestampFrequency / 1000));
}
