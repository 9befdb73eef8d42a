namespace MessageDelivery.Cli.Attacks;

/// <summary>What begins like TLS and is not, whether the hub speaks TLS or not.</summary>
internal sealed class TlsJunk() : Attack(
    "tls-junk",
    "records that are no TLS: wrong lengths, versions, contents",
    "end each with an alert or without a word, after the time for a handshake at the latest")
{
    private const int AtOnce = 8;

    public override async Task RunAsync(AttackScene scene)
    {
        byte[] hello = await ClientHello.CreateAsync(scene.Target.TlsOptions);
        await AttackScene.ForEachAsync(Junk(hello), AtOnce, junk => SendAsync(scene, junk.What, junk.Bytes));
    }

    private static IEnumerable<(string What, byte[] Bytes)> Junk(byte[] hello)
    {
        byte[] random = new byte[64];
        new Random(1).NextBytes(random);
        yield return ("a record of random bytes", [0x16, 3, 1, 0, 64, .. random]);
        yield return ("an empty record", [0x16, 3, 1, 0, 0]);
        yield return ("a record longer than any", [0x16, 3, 1, 0xFF, 0xFF, .. random]);
        yield return ("a version that there never was", [0x16, 9, 9, 0, 5, 1, 0, 0, 1, 0]);
        yield return ("a ClientHello that declares 2^24 - 1 bytes", [0x16, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF]);
        yield return ("a ServerHello", [0x16, 3, 3, 0, 4, 2, 0, 0, 0]);
        yield return ("commands behind the first byte of TLS", [0x16, .. "identity\nlist\n"u8]);
        yield return ("two ClientHellos", [.. hello, .. hello]);
        yield return ("a ClientHello and then a command", [.. hello, .. "identity\n"u8]);
        if (hello.Length > 64)
        {
            yield return ("a ClientHello with its length changed", Changed(hello, 8, 0xFF));
            yield return ("a ClientHello with its version changed", Changed(hello, 9, 9));
            yield return ("a ClientHello whose extensions are cut off", Cut(hello));
        }
    }

    private static byte[] Changed(byte[] hello, int offset, byte value)
    {
        byte[] changed = [.. hello];
        changed[offset] = value;
        return changed;
    }

    private static byte[] Cut(byte[] hello)
    {
        byte[] cut = hello[..^32];
        (cut[3], cut[4]) = ((byte)((cut.Length - 5) >> 8), (byte)(cut.Length - 5));
        return cut;
    }

    private static async Task SendAsync(AttackScene scene, string what, byte[] junk)
    {
        await using var connection = await scene.OpenAsync(isTls: false, scene.Over);
        if (connection is null)
        {
            return;
        }

        scene.Tally.AddRequests();
        await connection.SendAsync(junk, scene.Over);
        var expecting = scene.ExpectEndAsync(connection, AttackScene.Handshake, what);
        while (await connection.NextAsync(AttackScene.Handshake, scene.Over) is { } answer)
        {
            if (answer.Name is Answer.TextIdentity or "list" or Answer.Welcome)
            {
                scene.Suspect($"{what} was carried out: the hub answered '{answer.Name}'");
            }
        }

        await expecting;
    }
}
