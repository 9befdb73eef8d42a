using System.Text.Json;

namespace MessageDelivery.Hub.Access;

/// <summary>Reads the claims of a token that is genuine. One that is not as it must be is named, and never taken for its default.</summary>
internal sealed class JwtClaims(JsonElement claims)
{
    private static readonly double LastSecond = DateTimeOffset.MaxValue.AddYears(-1).ToUnixTimeSeconds();

    private string? _wrong;

    public AuthenticationResult Read(DateTimeOffset now, TimeSpan skew)
    {
        var expires = Time("exp");
        var begins = Time("nbf");
        string? name = Name("sub");
        string? group = Name("group");
        var reach = ReadReach();
        bool send = Flag("mds_send"), list = Flag("mds_list"), watch = Flag("mds_watch");
        double? relays = Rate("mds_relays_per_second"), bytes = Rate("mds_bytes_per_second");
        var fullQueue = ReadFullQueue();
        _wrong ??= expires is null ? "exp" : name is null ? "sub" : reach == Reach.Group && group is null ? "group" : null;
        if (_wrong is not null)
        {
            return AuthenticationResult.Refused(AuthenticationFailure.Unusable, _wrong);
        }

        var end = expires!.Value + skew;
        if (end <= now)
        {
            return AuthenticationResult.Refused(AuthenticationFailure.Expired);
        }

        if (begins is { } begin && begin - skew > now)
        {
            return AuthenticationResult.Refused(AuthenticationFailure.NotYetValid);
        }

        return AuthenticationResult.Success(new(name!)
        {
            Expires = end,
            MaySend = send,
            MayList = list,
            MayWatch = watch,
            Reach = reach,
            Group = group,
            RelaysPerSecond = relays,
            BytesPerSecond = bytes,
            FullQueue = fullQueue,
        });
    }

    private string? Text(string name)
    {
        bool isWrong = false;
        string? text = claims.Text(name, ref isWrong);
        Note(name, isWrong);
        return text;
    }

    private string? Name(string name)
    {
        string? text = Text(name);
        Note(name, text is not null && !Identity.IsName(text));
        return text;
    }

    private Reach ReadReach()
    {
        string? text = Text("mds_reach");
        Note("mds_reach", text is not (null or "all" or "group" or "none"));
        return text switch { "group" => Reach.Group, "none" => Reach.None, _ => Reach.All };
    }

    private FullQueue? ReadFullQueue()
    {
        string? text = Text("mds_full_queue");
        Note("mds_full_queue", text is not (null or "wait" or "leave-out"));
        return text switch { "wait" => FullQueue.Wait, "leave-out" => FullQueue.LeaveOut, _ => null };
    }

    private bool Flag(string name)
    {
        if (!claims.TryGetProperty(name, out var value))
        {
            return true;
        }

        Note(name, value.ValueKind is not (JsonValueKind.True or JsonValueKind.False));
        return value.ValueKind == JsonValueKind.True;
    }

    private double? Number(string name)
    {
        if (!claims.TryGetProperty(name, out var value))
        {
            return null;
        }

        double number = double.NaN;
        bool isNumber = value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out number) && double.IsFinite(number);
        Note(name, !isNumber);
        return isNumber ? number : null;
    }

    private double? Rate(string name)
    {
        double? rate = Number(name);
        Note(name, rate <= 0);
        return rate;
    }

    private DateTimeOffset? Time(string name)
    {
        double? seconds = Number(name);
        bool isWrong = seconds < 0 || seconds > LastSecond;
        Note(name, isWrong);
        return seconds is null || isWrong ? null : DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds.Value);
    }

    private void Note(string name, bool isWrong) => _wrong ??= isWrong ? name : null;
}
