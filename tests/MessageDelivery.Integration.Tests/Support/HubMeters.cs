using System.Diagnostics.Metrics;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>What one hub counts.</summary>
internal sealed class HubMeters : IMeterFactory
{
    private readonly List<Meter> _meters = [];

    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    /// <summary>The values of now, each by its name, and its first tag in braces if it has one.</summary>
    public Dictionary<string, long> Read()
    {
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == this)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            values[tags.IsEmpty ? instrument.Name : $"{instrument.Name}{{{tags[0].Value}}}"] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }

    public void Dispose() => _meters.ForEach(meter => meter.Dispose());
}
