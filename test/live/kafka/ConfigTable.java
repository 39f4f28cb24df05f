import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.storage.internals.log.LogConfig;

/** Prints the topic settings that this release of Kafka knows: name, type, validator, whether they are internal. */
public class ConfigTable {
  public static void main(String[] arguments) {
    for (ConfigDef.ConfigKey key : LogConfig.configKeys().values())
      System.out.println(key.name + "\t" + key.type + "\t" + key.validator + "\t" + key.internalConfig);
  }
}
